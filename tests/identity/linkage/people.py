"""Made-up people with several records each, and the errors that people and clerks make; seeded."""

import random
from datetime import date, timedelta

import duckdb

FIRST = [
    "Olivia",
    "Amelia",
    "Isla",
    "Ava",
    "Mia",
    "Ivy",
    "Lily",
    "Freya",
    "Florence",
    "Rosie",
    "Harper",
    "Willow",
    "Grace",
    "Ella",
    "Poppy",
    "Noah",
    "Oliver",
    "George",
    "Arthur",
    "Muhammad",
    "Leo",
    "Harry",
    "Oscar",
    "Archie",
    "Henry",
    "Theodore",
    "Finley",
    "Jude",
    "Albie",
    "Reuben",
]
LAST = [
    "Smith",
    "Jones",
    "Williams",
    "Taylor",
    "Brown",
    "Davies",
    "Evans",
    "Wilson",
    "Thomas",
    "Roberts",
    "Johnson",
    "Lewis",
    "Walker",
    "Robinson",
    "Wood",
    "Thompson",
    "White",
    "Watson",
    "Jackson",
    "Wright",
    "Green",
    "Harris",
    "Cooper",
    "King",
    "Lee",
    "Martin",
    "Clarke",
    "James",
    "Morgan",
    "Hughes",
    "Edwards",
    "Hill",
    "Moore",
    "Clark",
    "Harrison",
    "Scott",
    "Young",
    "Morris",
    "Hall",
    "Ward",
    "Turner",
    "Carter",
    "Phillips",
    "Mitchell",
    "Patel",
    "Adams",
    "Campbell",
    "Anderson",
]
CITIES = [
    "London",
    "Leeds",
    "Bristol",
    "York",
    "Hull",
    "Cardiff",
    "Derby",
    "Bath",
    "Exeter",
    "Durham",
    "Oxford",
    "Preston",
]
COLUMNS = ("first_name", "last_name", "birth_date", "email", "city", "postcode")

Person = dict[str, str | None]


def person(chance: random.Random) -> Person:
    """Somebody new."""
    first, last = chance.choice(FIRST), chance.choice(LAST)
    born = date(1940, 1, 1) + timedelta(days=chance.randrange(24_000))
    return {
        "first_name": first, "last_name": last, "birth_date": born.isoformat(),
        "email": f"{first}.{last}{chance.randrange(1000)}@{chance.choice(LAST)}.example".lower(),
        "city": chance.choice(CITIES), "postcode": f"N{chance.randrange(10, 99)}{chance.randrange(1, 9)}AB",
    }  # fmt: skip


def record(who: Person, chance: random.Random) -> Person:
    """The person as somebody wrote them down: a value in seven is missing, one in seven has a slip."""
    written = dict(who)
    for column, value in who.items():
        luck = chance.random()
        if luck < 0.14:
            written[column] = None
        elif luck < 0.28 and value:
            at = chance.randrange(len(value) - 1)
            written[column] = value[:at] + value[at + 1] + value[at] + value[at + 2 :]
    return written


def people(count: int, seed: int = 1, records: tuple[int, int] = (1, 3)) -> list[tuple[int, Person]]:
    """(person, record) of so many people, each with some records, in random order."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        who = person(chance)
        found += [(number, record(who, chance)) for _ in range(chance.randint(*records))]
    chance.shuffle(found)
    return found


def table(connection: duckdb.DuckDBPyConnection, rows: list[tuple[int, Person]], name: str = "people") -> list[int]:
    """Makes a table of the records, numbered as they come; gives who each of them is."""
    columns = ", ".join(f"{column} VARCHAR" for column in COLUMNS)
    connection.execute(f"CREATE OR REPLACE TABLE {name} (_record BIGINT, {columns})").fetchall()
    values = [(number, *(each[column] for column in COLUMNS)) for number, (_, each) in enumerate(rows)]
    connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * (len(COLUMNS) + 1))})", values)
    return [who for who, _ in rows]
