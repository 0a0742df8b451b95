"""What calls and accounts tell, in sentences. Pure: from documents of the API to text."""
