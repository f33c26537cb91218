"""What sellers write to their critics, and what customers write above it when they forward it."""

from __future__ import annotations

SUBJECTS = {
    "US": ["About your order from {shop}", "We want to make it right", "A small favor, {name}"],
    "EU": ["Your recent purchase at {shop}", "Refund for you, {name}", "Please help our small shop"],
    "CN": ["Dear customer, about your review", "Refund offer from {shop}", "{shop} after-sales service"],
}

LETTERS = [
    """Dear {name},

we are the seller {shop}. We saw that you were not satisfied with what you bought.
Please change your review and we refund the full price, you may keep the goods.
Answer to this mail with a picture of the new review.

{shop} customer service
""",
    """Hello {name},

this is {shop}. Your review hurts our small business very much.
If you delete the bad review, or change your review to five stars, we refund
{amount} dollars to you by gift card within 24 hours.

Kind regards
{shop}
""",
    """Dear {name},

thank you for shopping with us. Our team noticed your rating. To say sorry we offer
{amount} dollars. It is simple: change your review and we refund you, no return needed.
Please do not contact the marketplace, they are slow; write to us directly.

The team of {shop}
""",
    """Hi {name}, please read this important message about your purchase at {shop}.

Change your review and we refund 100 %. We have written to you before; this is our last offer.

{shop} after-sales
""",
]

COVER_NOTES = [
    "How does this seller have my e-mail address? I never gave it to them. Please look into this.",
    "I wrote an honest review and now I get this. Who gave them my address?",
    "Forwarding what I received today. I thought sellers cannot see my e-mail. Please stop them.",
    "This shop contacts me outside of your site and offers money. Is that allowed?",
    "Please explain how they got my private mail address.",
]
"""Notes above a forwarded letter."""
