"""What features are about. A position in stock is looked up by `stock` (its store) and `product` together."""

from rtp.features.views import CUSTOMER, PRODUCT, STOCK
from rtp.stores.feast_objects import feast_entity

customer = feast_entity(CUSTOMER)
product = feast_entity(PRODUCT)
stock = feast_entity(STOCK)
