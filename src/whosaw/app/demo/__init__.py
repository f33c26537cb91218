"""The demonstration: the whole story on one machine, every stage for real, in simulated time.

``ground`` lays the two databases and the keys, ``staff`` lets the employees work, ``complaints`` takes the mails in and
sharpens the answer, ``officers`` open the case and act, ``proof`` packs the evidence and tampers with a copy, ``told``
prints. Only the last of them, and only at the end, opens the truth.
"""
