"""How things are shown: tables and moments for people, one JSON document for programs, failures for both."""
