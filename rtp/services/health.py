"""Asking a service whether it is ready."""

import socket
from contextlib import closing

import httpx
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def is_ready(health_url: str, *, timeout_seconds: float = 2.0) -> bool:
    """True if an HTTP service answers 200, or a Redis answers PONG."""
    if health_url.startswith("redis"):
        return redis_answers(health_url, timeout_seconds=timeout_seconds)
    try:
        return httpx.get(health_url, timeout=timeout_seconds).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def redis_answers(url: str, *, timeout_seconds: float = 2.0) -> bool:
    """True once the server has loaded its data and answers."""
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )
        with client:
            return bool(client.ping())
    except (redis.RedisError, OSError, ValueError):
        return False


def port_is_free(host: str, port: int) -> bool:
    """True if a server could listen there now."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
