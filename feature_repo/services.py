"""What a model or a screen asks for at once."""

from views import customer_live, customer_profile

from rtp.features.views import NEXT_BEST_ACTION
from rtp.stores.feast_objects import feast_service

next_best_action_v1 = feast_service(NEXT_BEST_ACTION, [customer_profile, customer_live])
