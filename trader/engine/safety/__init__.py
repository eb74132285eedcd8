"""What must be so before real orders are sent: settings, key, account, capital, a person's word."""
