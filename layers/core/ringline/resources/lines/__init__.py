"""What calls come and go by: numbers and trunks, in our own words and in those of the SDK's telephony."""
