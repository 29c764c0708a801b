"""`rtp up | down | status | doctor`."""

from typing import Annotated

import msgspec
import typer

from rtp.commands.output import JsonFlag, console, print_json, progress_console


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)
    app.command("doctor")(doctor)


def up(
    detach: Annotated[bool, typer.Option("--detach", help="Start in the background; return once all is well.")] = False,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Worker processes; default RTP_WORKERS, or 1.")] = 0,
) -> None:
    """Start Redis, API, worker and Dagster; restart what crashes; Ctrl-C stops all."""
    from rtp.services.background import start_detached
    from rtp.services.run_state import read_run_state
    from rtp.services.supervisor import Supervisor
    from rtp.settings import load_settings

    settings = load_settings()
    settings = msgspec.structs.replace(settings, workers=workers or settings.workers)
    if read_run_state(settings) is not None:
        console.print("It is already up:")
        show_addresses()
        return
    if detach:
        start_detached(settings)
        show_addresses()
        return
    supervisor = Supervisor(settings)
    supervisor.stop_on_signals()
    progress_console.print("Starting redis, api, worker, dagster and its daemon …")
    with supervisor:
        show_addresses()
        console.print(f"Logs: {settings.logs_dir}. Ctrl-C stops everything.")
        supervisor.watch()
        progress_console.print("Stopping …")


def down() -> None:
    """Stop all services."""
    from rtp.services.background import stop_running
    from rtp.settings import load_settings

    console.print("Stopped." if stop_running(load_settings()) else "Nothing was up.")


def status(as_json: JsonFlag = False) -> None:
    """Show which services are up and well; exit code 1 unless all are."""
    from rtp.services.status import service_statuses
    from rtp.settings import load_settings

    statuses = service_statuses(load_settings())
    if as_json:
        print_json({"services": statuses})
    elif statuses:
        show_addresses()
    else:
        console.print("Nothing is up. `rtp up` starts the services.")
    if not statuses or not all(found.healthy for found in statuses.values()):
        raise typer.Exit(1)


def doctor(as_json: JsonFlag = False) -> None:
    """Look whether this machine and checkout are fit to run, and say what to do where not."""
    from rich.table import Table

    from rtp.services.doctor import examine
    from rtp.settings import load_settings

    findings = examine(load_settings())
    if as_json:
        print_json({"findings": findings})
    else:
        table = Table("", "what", "found", "what to do", box=None)
        for finding in findings:
            mark = "[green]ok[/green]" if finding.ok else "[red]no[/red]"
            table.add_row(mark, finding.what, finding.detail, "" if finding.ok else finding.hint)
        console.print(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def show_addresses() -> None:
    """Prints one line per service: name, address, health."""
    from rich.table import Table

    from rtp.services.status import service_statuses
    from rtp.settings import load_settings

    table = Table("service", "address", "state", "process", "restarts", box=None)
    for name, found in service_statuses(load_settings()).items():
        state = "[green]healthy[/green]" if found.healthy else "[red]not answering[/red]"
        table.add_row(name, found.url, state, str(found.pid or ""), str(found.restarts))
    console.print(table)
