"""What is in a file: pixels, header, coordinates; and a picture of it as the network takes it."""
