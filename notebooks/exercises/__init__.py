"""What is right in the exercises of the notebooks, and sentences that help; one module a notebook."""
