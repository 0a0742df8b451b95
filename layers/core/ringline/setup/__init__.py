"""What a customer sets up: pipes and agents, made, changed and deleted so that nothing vanishes that is used, and no
change is lost. `bodies` is what is asked, `brains` who thinks for an agent, `checks` what an account may name, `views`
how it is shown."""
