{#
  The lines of an order event's properties as a list of structs, in Segment's spellings: `products` with
  `productId` (or `product_id`, `sku`), `quantity` (1 if absent), unit `price`, or a line's `netAmount`; an event
  without `products` is one line of its own properties. Lines without a product are left out.
#}
{% macro event_lines(properties) -%}
    list_filter(
        list_transform(
            coalesce(cast(json_extract({{ properties }}, '$.products') as json[]), [{{ properties }}]),
            lambda item, position: {
                'line_id': coalesce(item ->> '$.lineId', item ->> '$.line_id', cast(position as varchar)),
                'product_id': coalesce(item ->> '$.productId', item ->> '$.product_id', item ->> '$.sku'),
                'quantity': {{ line_quantity('item') }},
                'net_amount': cast(round(coalesce(
                    try_cast(item ->> '$.netAmount' as decimal(18, 4)),
                    try_cast(item ->> '$.price' as decimal(18, 4)) * {{ line_quantity('item') }}
                ), 2) as decimal(12, 2)),
                'discount_amount': try_cast(coalesce(item ->> '$.discountAmount', item ->> '$.discount') as decimal(12, 2)),
                'offer_id': coalesce(item ->> '$.offerId', item ->> '$.coupon')
            }
        ),
        lambda line: line.product_id is not null
    )
{%- endmacro %}

{% macro line_quantity(item) -%}
    coalesce(try_cast({{ item }} ->> '$.quantity' as decimal(14, 3)), 1)
{%- endmacro %}
