"""The nouns of Yizhan and their verbs: tables, rules, refusals; no words, no network, no HTTP."""
