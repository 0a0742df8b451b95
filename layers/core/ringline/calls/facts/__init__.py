"""What is known of a call, in words that every part of the product uses. `calls.model.call` shows all of them."""
