/* Listens on a port of 127.0.0.1 that the kernel chooses, and executes another program,
 * which inherits the socket as descriptor 3. nginx accepts it through the variable with
 * which it passes sockets to its own successor.
 *
 * usage: listen PORT_FILE COMMAND…    ; the port is written to PORT_FILE
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Maximum of pending connections. */
enum { BACKLOG = 4096 };

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  FILE *file = argc > 2 ? fopen(argv[1], "w") : NULL;
  if (!file || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, BACKLOG) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
    perror("listen");
    return 1;
  }
  fprintf(file, "%d\n", ntohs(address.sin_port));
  fclose(file);
  if (listener != 3) dup2(listener, 3), close(listener);
  setenv("NGINX", "3;", 1);
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 1;
}
