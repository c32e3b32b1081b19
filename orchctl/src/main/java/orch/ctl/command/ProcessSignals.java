package orch.ctl.command;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/**
 * The signals of this process. SIGTERM, SIGHUP and, off a terminal, SIGINT come as the JVM's
 * shutdown, whose hook may take its time while all other threads go on. On a terminal SIGINT is
 * taken from the JVM, by reflection: the class that can do it is no part of the platform's API, and
 * where it is missing the hook serves as well.
 */
public final class ProcessSignals implements Signals {
  @Override
  public void handle(Handler handler, boolean onTerminal) {
    Thread hook =
        new Thread("signals") {
          @Override
          public void run() {
            handler.terminated();
          }
        };
    Runtime.getRuntime().addShutdownHook(hook);
    if (onTerminal) {
      take("INT", handler::interrupted);
    }
  }

  @Override
  public void onWindowChange(Runnable action) {
    take("WINCH", action);
  }

  private static void take(String name, Runnable action) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> signalHandler = Class.forName("sun.misc.SignalHandler");
      Object proxy =
          Proxy.newProxyInstance(
              ProcessSignals.class.getClassLoader(),
              new Class<?>[] {signalHandler},
              new InterruptHandler(action));
      signal
          .getMethod("handle", signal, signalHandler)
          .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
    } catch (ReflectiveOperationException | RuntimeException notInThisJava) {
      // The shutdown hook is told of SIGINT too.
    }
  }

  private record InterruptHandler(Runnable action) implements InvocationHandler {
    @Override
    @SuppressWarnings("ReferenceEquality") // A proxy is equal to itself alone.
    public Object invoke(Object proxy, Method method, Object[] arguments) {
      return switch (method.getName()) {
        case "handle" -> {
          action.run();
          yield 0;
        }
        case "equals" -> proxy == arguments[0];
        case "hashCode" -> System.identityHashCode(proxy);
        default -> "interrupt handler";
      };
    }
  }

  @Override
  public void halt(int exitCode) {
    Runtime.getRuntime().halt(exitCode);
  }
}
