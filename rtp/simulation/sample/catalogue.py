"""What the miniature retailer sells, and where."""

import random

import msgspec


class Category(msgspec.Struct, frozen=True):
    """A shelf: `season` weighs the months January to December, `goes_with` is bought in the same basket."""

    name: str
    department: str
    nouns: tuple[str, ...]
    cents: tuple[int, int]
    season: tuple[float, ...] = (1.0,) * 12
    goes_with: str = ""


class Product(msgspec.Struct, frozen=True):
    """One article; money in cents."""

    product_id: str
    name: str
    category: Category
    brand: str
    list_cents: int
    cost_cents: int


_SUMMER = (0.3, 0.3, 0.5, 0.8, 1.3, 2.0, 2.4, 2.2, 1.2, 0.6, 0.4, 0.4)
_WINTER = (2.2, 1.9, 1.4, 0.9, 0.5, 0.3, 0.2, 0.3, 0.7, 1.2, 1.8, 2.3)

CATEGORIES = (
    Category(
        "Coffee", "Grocery", ("Espresso Beans", "Filter Coffee", "Decaf", "Capsules"), (499, 1299), goes_with="Milk"
    ),
    Category("Tea", "Grocery", ("Green Tea", "Earl Grey", "Herbal Tea", "Chai"), (249, 699), _WINTER),
    Category("Milk", "Dairy", ("Whole Milk", "Oat Drink", "Skimmed Milk", "Cream"), (99, 279)),
    Category("Yogurt", "Dairy", ("Plain Yogurt", "Berry Yogurt", "Skyr", "Kefir"), (79, 349)),
    Category("Bread", "Bakery", ("Sourdough", "Rye Bread", "Baguette", "Toast"), (149, 499)),
    Category("Pasta", "Grocery", ("Spaghetti", "Penne", "Fusilli", "Lasagne"), (99, 349), goes_with="Pasta Sauce"),
    Category("Pasta Sauce", "Grocery", ("Tomato Sauce", "Pesto", "Arrabbiata", "Ragu"), (199, 549)),
    Category("Fruit", "Produce", ("Apples", "Bananas", "Oranges", "Berries"), (149, 599), _SUMMER),
    Category("Vegetables", "Produce", ("Carrots", "Tomatoes", "Peppers", "Spinach"), (99, 449)),
    Category("Ice Cream", "Frozen", ("Vanilla Tub", "Chocolate Tub", "Sorbet", "Cones"), (299, 799), _SUMMER),
    Category("Soup", "Grocery", ("Lentil Soup", "Chicken Soup", "Minestrone", "Broth"), (199, 499), _WINTER),
    Category("Cleaning", "Household", ("Detergent", "Dish Soap", "Sponges", "Descaler"), (199, 1499)),
)

BRANDS = ("Northfield", "Harbour & Sons", "Casa Verde", "House Brand")
PER_CATEGORY = 10

STORES = (
    ("S01", "store", "Northside Market", "Illinois", 41.97, -87.66, "America/Chicago"),
    ("S02", "store", "Harbour Street", "Massachusetts", 42.36, -71.05, "America/New_York"),
    ("WEB", "web", "Web shop", None, None, None, "America/Chicago"),
    ("WH1", "warehouse", "Joliet Warehouse", "Illinois", 41.53, -88.08, "America/Chicago"),
)
STORE_COLUMNS = ("store_id", "kind", "name", "region", "latitude", "longitude", "timezone")


def make_products(rng: random.Random) -> list[Product]:
    """120 articles, ten a category; the retailer's own brand is cheaper and earns more."""
    products: list[Product] = []
    for category in CATEGORIES:
        for number in range(PER_CATEGORY):
            brand = BRANDS[number % len(BRANDS)]
            noun = category.nouns[(number // len(BRANDS) + number) % len(category.nouns)]
            cents = rng.randint(*category.cents)
            own = brand == "House Brand"
            price = max(59, (cents * (80 if own else 100) // 1000) * 10 + 9)
            cost = price * rng.randint(48, 58) // 100 if own else price * rng.randint(60, 76) // 100
            name = f"{brand} {noun} {'Large' if number > 7 else 'Classic'}"
            products.append(Product(f"P{len(products) + 1:03d}", name, category, brand, price, cost))
    return products
