"""Where the stores are: the data set numbers them and says no more."""

import msgspec

from rtp.simulation.companion.draws import between
from rtp.simulation.completejourney.source import Source

WEB_STORE, WAREHOUSE = "web", "warehouse"


class City(msgspec.Struct, frozen=True):
    """A real city; `area_code` is its telephone numbers' first three digits."""

    name: str
    region: str
    latitude: float
    longitude: float
    timezone: str
    zip_prefix: str
    area_code: str


_EAST, _INDIANA, _KENTUCKY = "America/New_York", "America/Indiana/Indianapolis", "America/Kentucky/Louisville"
CITIES = (
    City("Cincinnati", "Ohio", 39.10, -84.51, _EAST, "452", "513"),
    City("Columbus", "Ohio", 39.96, -83.00, _EAST, "432", "614"),
    City("Dayton", "Ohio", 39.76, -84.19, _EAST, "454", "937"),
    City("Toledo", "Ohio", 41.65, -83.54, _EAST, "436", "419"),
    City("Cleveland", "Ohio", 41.50, -81.69, _EAST, "441", "216"),
    City("Akron", "Ohio", 41.08, -81.52, _EAST, "443", "330"),
    City("Lexington", "Kentucky", 38.04, -84.50, _EAST, "405", "859"),
    City("Louisville", "Kentucky", 38.25, -85.76, _KENTUCKY, "402", "502"),
    City("Indianapolis", "Indiana", 39.77, -86.16, _INDIANA, "462", "317"),
    City("Fort Wayne", "Indiana", 41.08, -85.14, _INDIANA, "468", "260"),
    City("Detroit", "Michigan", 42.33, -83.05, _EAST, "482", "313"),
    City("Ann Arbor", "Michigan", 42.28, -83.74, _EAST, "481", "734"),
    City("Lansing", "Michigan", 42.73, -84.56, _EAST, "489", "517"),
    City("Grand Rapids", "Michigan", 42.96, -85.67, _EAST, "495", "616"),
    City("Atlanta", "Georgia", 33.75, -84.39, _EAST, "303", "404"),
    City("Augusta", "Georgia", 33.47, -81.97, _EAST, "309", "706"),
    City("Savannah", "Georgia", 32.08, -81.09, _EAST, "314", "912"),
    City("Charleston", "West Virginia", 38.35, -81.63, _EAST, "253", "304"),
    City("Huntington", "West Virginia", 38.42, -82.45, _EAST, "257", "681"),
    City("Richmond", "Virginia", 37.54, -77.44, _EAST, "232", "804"),
    City("Roanoke", "Virginia", 37.27, -79.94, _EAST, "240", "540"),
    City("Charlotte", "North Carolina", 35.23, -80.84, _EAST, "282", "704"),
    City("Raleigh", "North Carolina", 35.78, -78.64, _EAST, "276", "919"),
    City("Columbia", "South Carolina", 34.00, -81.03, _EAST, "292", "803"),
    City("Knoxville", "Tennessee", 35.96, -83.92, _EAST, "379", "865"),
)


def cities_sql() -> str:
    """The cities as a relation `city` numbered from 1."""
    values = ", ".join(
        f"({number}, '{c.name}', '{c.region}', {c.latitude}, {c.longitude}, '{c.timezone}', '{c.zip_prefix}')"
        for number, c in enumerate(CITIES, start=1)
    )
    columns = "number, name, region, latitude, longitude, timezone, zip_prefix"
    return f"(SELECT * FROM (VALUES {values}) city({columns}))"


def city_of_store(store: str) -> str:
    """SQL of the number of a store's city: neighbouring store numbers lie in one city."""
    return f"(1 + CAST(({store} // 4) % {len(CITIES)} AS BIGINT))"


def stores(source: Source) -> str:
    """Each store that sold or promoted something, a web shop and a warehouse. All made up but the numbers."""
    sold = f"SELECT store_id FROM {source.table('transactions')}"
    promoted = f"SELECT store_id FROM {source.table('promotions')}"
    near = {axis: between(-0.15, 0.15, axis, "s.store_id") for axis in ("north", "east")}
    first = CITIES[0]
    place = f"'{first.region}', {first.latitude}, {first.longitude}, '{first.timezone}'"
    return f"""
        SELECT * EXCLUDE (rank), row_number() OVER (ORDER BY rank, store_id) AS _row FROM (
            SELECT CAST(s.store_id AS VARCHAR) AS store_id, 'store' AS kind, c.name || ' ' || s.store_id AS name,
                   c.region, round(c.latitude + {near["north"]}, 5) AS latitude,
                   round(c.longitude + {near["east"]}, 5) AS longitude, c.timezone, 0 AS rank
            FROM (SELECT DISTINCT store_id FROM ({sold} UNION ALL {promoted})) s
            JOIN {cities_sql()} c ON c.number = {city_of_store("s.store_id")}
            UNION ALL SELECT '{WEB_STORE}', 'web', 'Web shop', NULL, NULL, NULL, '{first.timezone}', 1
            UNION ALL SELECT '{WAREHOUSE}', 'warehouse', 'Central warehouse', {place}, 2)
        ORDER BY _row
    """
