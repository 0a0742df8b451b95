"""Who changed what: a log of every change that the management plane or an operator makes."""
