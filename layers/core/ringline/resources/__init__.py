"""The API's resources, a module for each: its routes, and how each is answered. A route reads the request, calls one
use case or view, and shows what came of it."""
