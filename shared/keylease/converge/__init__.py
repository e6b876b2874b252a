"""From live leases to steps on one account: fold, plan, verify; pure."""
