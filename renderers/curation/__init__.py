"""Curation that needs pictures: filters over views, a quality score, orientation, the run and its reports. Stands on
`detailverse.curation`.
"""
