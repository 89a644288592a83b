# Manual pages; the generated ones come from txmpp --print-manual.
