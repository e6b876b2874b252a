"""Who may have what, when, on which terms: rules, decisions and their reasons; pure."""
