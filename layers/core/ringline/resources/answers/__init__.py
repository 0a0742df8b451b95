"""What the API answers, as models: a module for each resource. No function loads them. The API's document is made of
them, and the tests hold every answer against them."""
