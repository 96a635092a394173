"""The course as web pages that play: ``python -m lecture_utils.setup.site`` (``make site``).

``execute`` runs the notebooks, ``states`` computes positions of their sliders beforehand, ``media``
moves sounds and pictures into files, ``course`` writes the pages around the notebooks, ``conf`` and
``formulas`` are for Sphinx, which makes the site, ``networks`` hands what a notebook has trained to
the page of live models, ``npm`` fetches packages. It needs the packages of the extra ``site``.
"""
