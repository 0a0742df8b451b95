"""What every room of the phone network stands on: its time and its tasks, ids, the errors and SIP codes that LiveKit
answers with, the faults under way, and the ledger of what the phones saw. Leans on nothing."""
