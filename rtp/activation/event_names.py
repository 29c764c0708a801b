"""Segment's e-commerce event names, and ours for stores and fulfilment."""

ECOMMERCE_EVENTS = frozenset(
    {
        "Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed", "Promotion Clicked",
        "Product Clicked", "Product Viewed", "Product Added", "Product Removed", "Cart Viewed", "Cart Shared",
        "Checkout Started", "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered", "Order Updated",
        "Order Completed", "Order Refunded", "Order Cancelled", "Order Shipped", "Order Ready For Pickup",
        "Order Picked Up", "Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed",
        "Product Added to Wishlist", "Product Removed from Wishlist", "Wishlist Product Added to Cart",
        "Product Shared", "Product Reviewed", "Email Delivered", "Email Opened", "Email Link Clicked", "Unsubscribed",
        "Push Notification Received", "Push Notification Tapped", "Experiment Viewed", "Store Entered", "Store Left",
        "Application Opened", "Application Installed",
    }
)  # fmt: skip
