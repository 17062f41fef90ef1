# Sizes of a load by name; single settings override them.
{
  default = {
    clients = 50;
    rampRate = 5;
  };
  gentle = {
    clients = 20;
    rampRate = 1;
  };
  stress = {
    clients = 200;
    rampRate = 20;
  };
  burst = {
    clients = 100;
    rampRate = 50;
  };
  extreme = {
    clients = 500;
    rampRate = 50;
  };
}
