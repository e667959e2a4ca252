"""What a user does: one function per act. Ports come as keyword arguments."""
