"""How what ships is made: tables of trained networks, codec, surrogates, agent."""
