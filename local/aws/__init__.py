"""What stands in for AWS on one machine.

The emulator and DynamoDB Local, the template read, built and deployed to the emulator, the routes that the emulator
leaves out, Lambda's Runtime API for one invocation, and the front door that gives the API a host root of its own.
"""
