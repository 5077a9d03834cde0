"""What the analytics say of real markets: figures and pictures, each made by one command."""
