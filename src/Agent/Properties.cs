using System.Runtime.Versioning;

// Other systems get file access of their own before the agent is built for them.
[assembly: SupportedOSPlatform("linux")]
