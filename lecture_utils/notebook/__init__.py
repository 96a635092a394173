"""What a notebook is made of: sounds to hear, sliders, figures, exercises."""
