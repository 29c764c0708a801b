"""Names, addresses, contacts, loyalty cards and consents of households that have only a number."""

from rtp.simulation.companion.draws import between, one_of, uniform, whole
from rtp.simulation.companion.places import CITIES, cities_sql, city_of_store
from rtp.simulation.completejourney.real import NAME
from rtp.simulation.completejourney.source import Source

SIMULATED_COLUMNS = "user_id,email,phone,loyalty_id,first_name,last_name,street,city,postcode,birth_date"
"""`attributes` are real: the demographics that 801 households gave."""

FIRST_NAMES = (
    "Aaron", "Abigail", "Alicia", "Andre", "Angela", "Benjamin", "Brenda", "Caleb", "Carmen", "Cedric", "Chloe", "Dana",
    "Deborah", "Diego", "Elena", "Emma", "Erik", "Fatima", "Felix", "Gloria", "Grace", "Hannah", "Hector", "Ian",
    "Irene", "Isaac", "Jasmine", "Joel", "Julia", "Kenji", "Laura", "Leon", "Lucas", "Maya", "Miguel", "Naomi",
    "Nathan", "Olivia",
    "Oscar", "Paula", "Priya", "Quinn", "Rachel", "Rosa", "Samuel", "Sofia", "Tariq", "Vera", "Walter", "Yasmin",
)  # fmt: skip
LAST_NAMES = (
    "Adams", "Alvarez", "Baker", "Bennett", "Brooks", "Campbell", "Carter", "Chen", "Collins", "Cooper", "Cruz", "Diaz",
    "Edwards", "Evans", "Fisher", "Flores", "Foster", "Garcia", "Gray", "Green", "Hall", "Harris", "Hayes",
    "Hughes", "Jackson", "Jenkins", "Kelly", "Kim", "Lewis", "Long", "Martinez", "Miller", "Mitchell", "Morgan",
    "Morris", "Murphy", "Nguyen", "Ortiz", "Parker", "Patel", "Perry", "Price", "Reed", "Rivera", "Ross", "Sanders",
    "Turner", "Ward", "Wood", "Young",
)  # fmt: skip
STREETS = ("Maple", "Oak", "Cedar", "Walnut", "Main", "Church", "Park", "Lake", "Hill", "River", "Elm", "Mill")
DEMOGRAPHICS = ("age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count")


def customers(source: Source) -> str:
    """One row a household. Mail goes to example.com and telephone numbers are those kept for fiction."""
    h = "h.household_id"
    age = f"coalesce(TRY_CAST(substr(d.age, 1, 2) AS INTEGER), {whole(20, 65, 'age', h)}) + {whole(0, 9, 'years', h)}"
    born = f"DATE '2017-01-01' - CAST(365.25 * ({age}) + {whole(0, 364, 'birthday', h)} AS INTEGER)"
    house = f"{whole(1, 999, 'house', h)} || ' ' || {one_of(STREETS, 'street', h)} || ' Street'"
    known = ", ".join(f"'{name}', d.{name}" for name in DEMOGRAPHICS)
    first, last = one_of(FIRST_NAMES, "first name", h), one_of(LAST_NAMES, "last name", h)
    return f"""
        WITH h AS (
            SELECT household_id, arg_max(store_id, (lines, -store_id)) AS store_id
            FROM (SELECT household_id, store_id, count(*) AS lines FROM {source.table("transactions")} GROUP BY ALL)
            GROUP BY 1),
        named AS (SELECT *, {first} AS first_name, {last} AS last_name FROM h)
        SELECT '{NAME}' AS source, CAST({h} AS VARCHAR) AS customer_ref, CAST({h} AS VARCHAR) AS user_id,
               lower(h.first_name || '.' || h.last_name || '.' || {h} || '@example.com') AS email,
               '+1' || {_area_code(h)} || '55501' || lpad(CAST({h} % 100 AS VARCHAR), 2, '0') AS phone,
               'CJ' || lpad(CAST({h} AS VARCHAR), 8, '0') AS loyalty_id, h.first_name, h.last_name,
               {house} AS street, c.name AS city,
               c.zip_prefix || lpad(CAST({whole(1, 60, "zip", h)} AS VARCHAR), 2, '0') AS postcode,
               CAST({born} AS DATE) AS birth_date,
               CASE WHEN d.household_id IS NOT NULL THEN CAST(json_object({known}) AS VARCHAR) END AS attributes,
               row_number() OVER (ORDER BY {h}) AS _row
        FROM named h LEFT JOIN {source.table("demographics")} d USING (household_id)
        JOIN {cities_sql()} c ON c.number = {city_of_store("h.store_id")} ORDER BY _row
    """


def _area_code(household: str) -> str:
    codes = ", ".join(f"'{city.area_code}'" for city in CITIES)
    return f"([{codes}])[1 + ({household} // 100) % {len(CITIES)}]"


ASKED = (
    ("personalization", "all", 0.85, 0.93),
    ("marketing", "email", 0.62, 0.90),
    ("marketing", "push", 0.40, 0.85),
    ("marketing", "sms", 0.25, 0.85),
    ("ads", "all", 0.35, 0.80),
    ("sale", "all", 0.12, 0.70),
    ("analytics", "all", 0.75, 0.90),
)
"""(purpose, channel, share that says yes, share that says yes or no); the rest never answered."""
WITHDRAWN = 0.05
"""So many of those who said yes took it back later."""


def consents(source: Source) -> str:
    """What each household was asked in its first weeks, and what some took back."""
    asked = ", ".join(f"('{purpose}', '{channel}', {yes}, {answered})" for purpose, channel, yes, answered in ASKED)
    topic = ("household_id", "purpose", "channel")
    opened = f"started - INTERVAL 1 HOUR * {whole(1, 72, 'asked', 'household_id')}"
    later = f"started + INTERVAL 1 HOUR * {whole(720, 5760, 'withdrew at', *topic)}"
    return f"""
        WITH h AS (
            SELECT household_id, min(transaction_timestamp) AS started
            FROM {source.table("transactions")} GROUP BY 1),
        answers AS (
            SELECT *, {uniform("consent", *topic)} AS drawn
            FROM h CROSS JOIN (VALUES {asked}) a(purpose, channel, yes, answered)),
        said AS (
            SELECT household_id, purpose, channel, if(drawn < yes, 'granted', 'denied') AS status, {opened} AS said_at
            FROM answers WHERE drawn < answered
            UNION ALL SELECT household_id, purpose, channel, 'denied', {later}
            FROM answers WHERE drawn < yes AND {between(0, 1, "withdrew", *topic)} < {WITHDRAWN})
        SELECT '{NAME}' AS source, CAST(household_id AS VARCHAR) AS customer_ref, purpose, channel, status,
               said_at AS "at", row_number() OVER (ORDER BY household_id, purpose, channel, said_at) AS _row
        FROM said ORDER BY _row
    """
