"""What decide, review and converge share: asking the policy, and turning a yes into a lease."""
