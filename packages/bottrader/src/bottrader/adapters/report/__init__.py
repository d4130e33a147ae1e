"""The report as a page: figures as text, the chart, and one HTML file that needs nothing else."""
