"""What every room stands on: settings, clock, ids, AWS clients, items of the table, HTTP answers, logging."""
