"""What needs packages of Node.js is collected by `make test-receivers` alone, which fetches them."""

from tests.contract.webhooks.receivers_of_the_page import languages_here

collect_ignore = [] if "javascript" in languages_here() else ["test_events_document.py"]
