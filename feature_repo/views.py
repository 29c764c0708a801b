"""The feature views; what is in them is said once, in rtp/features/views.py and rtp/features/live_features.py."""

from rtp.features.views import CUSTOMER_LIVE, CUSTOMER_PROFILE, PRODUCT_PROFILE, STOCK_DAILY, STOCK_LIVE
from rtp.settings import load_settings
from rtp.stores.feast_objects import feast_view
from rtp.stores.lake import Lake

lake = Lake(load_settings().lake_dir)

customer_profile = feast_view(CUSTOMER_PROFILE, lake)
customer_live = feast_view(CUSTOMER_LIVE, lake)
product_profile = feast_view(PRODUCT_PROFILE, lake)
stock_daily = feast_view(STOCK_DAILY, lake)
stock_live = feast_view(STOCK_LIVE, lake)
