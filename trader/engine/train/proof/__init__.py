"""What a trained model is worth on what it has not seen: its answers, and what they bring beside chance."""
