"""The methods of the public interface: one file a noun, one handler a method; `registry` has them all."""
