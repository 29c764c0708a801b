-- One row per member: customer_id. Every published mart is a table here.
-- Consent is not asked for here: whoever has not said yes is left out afterwards, whatever this query says.
select customer_id
from customer_profile
where
    orders_365d >= 6
    and tenure_days >= 90
    and recency_days >= 14
    and recency_days >= 2 * avg_days_between_orders
