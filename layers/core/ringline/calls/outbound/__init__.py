"""From a request to a ringing phone: create, admit, dial."""
