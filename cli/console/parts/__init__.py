"""What all pages of the console stand on: what is asked, whom to ask, and how a page is made."""
