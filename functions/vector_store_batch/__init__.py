"""The document flow, second step: has the file batch ended?"""
