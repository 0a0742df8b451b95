"""What carriers tell of calls in events of their own: is it the carrier who speaks, and what does it say.

request.py    a hook's request, why it is refused, what all forms check alike
reading.py    how the loose values in carriers' events are read
standard.py   a form for any SBC, signed as Standard Webhooks say
telnyx.py     Telnyx
twilio.py     Twilio
providers.py  provider -> how to verify and read what it sends
"""
