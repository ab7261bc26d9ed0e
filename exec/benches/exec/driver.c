/* The exec binary's job, in C: no library but libc, JSON only as far as it must. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char installed[65536], line[4 << 20], answer[4096];

static int failure(const char *why) {
  printf("{\"status\":\"Failure\",\"message\":\"%s\"}\n", why);
  return 0;
}

/* Copies one argument as a JSON string. */
static char *quoted(char *to, const char *from) {
  *to++ = '"';
  for (; *from; from++) {
    unsigned char byte = *from;
    if (byte == '"' || byte == '\\') {
      *to++ = '\\';
      *to++ = byte;
    } else if (byte < 0x20) {
      to += sprintf(to, "\\u%04x", byte);
    } else {
      *to++ = byte;
    }
  }
  *to++ = '"';
  return to;
}

int main(int argc, char **argv) {
  char path[4096];
  char *name = strrchr(argv[0], '/');
  if (argc < 2 || !name)
    return failure("no call");
  snprintf(path, sizeof path, "%.*s/.%s.flex2csi.json", (int)(name - argv[0]), argv[0], name + 1);
  FILE *file = fopen(path, "r");
  if (!file || !fread(installed, 1, sizeof installed - 1, file))
    return failure("not installed");
  fclose(file);

  if (!strcmp(argv[1], "init")) {
    char *from = strstr(installed, "\"capabilities\":");
    char *to = from ? strchr(from, '}') : NULL;
    if (!to)
      return failure("damaged");
    printf("{\"status\":\"Success\",%.*s}\n", (int)(to + 1 - from), from);
    return 0;
  }

  char *socket_path = strstr(installed, "\"socket\":\"");
  if (!socket_path)
    return failure("damaged");
  socket_path += 10;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%.*s", (int)strcspn(socket_path, "\""), socket_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
    return failure("no daemon");
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) || (peer.uid != 0 && peer.uid != geteuid()))
    return failure("not root's");

  char *end = line + sprintf(line, "{\"version\":1,\"requestId\":\"%08x\",\"driver\":\"example.com/disk\",\"call\":", getpid());
  end = quoted(end, argv[1]);
  end = stpcpy(end, ",\"args\":[");
  for (int i = 2; i < argc; i++) {
    if (i > 2)
      *end++ = ',';
    end = quoted(end, argv[i]);
  }
  end = stpcpy(end, "],\"timeoutMs\":110000}\n");
  for (char *from = line; from < end;) {
    ssize_t sent = write(fd, from, end - from);
    if (sent <= 0)
      return failure("broke off");
    from += sent;
  }
  size_t have = 0;
  while (!memchr(answer, '\n', have)) {
    ssize_t got = read(fd, answer + have, sizeof answer - 1 - have);
    if (got <= 0)
      return failure("broke off");
    have += got;
  }
  if (!strstr(answer, "\"answer\":\"success\""))
    return failure("failed");
  puts("{\"status\":\"Success\"}");
  return 0;
}
