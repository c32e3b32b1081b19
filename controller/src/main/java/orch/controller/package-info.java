/** The controller: keeps the desired state, schedules, and is elected among its peers. */
@NullMarked
package orch.controller;

import org.jspecify.annotations.NullMarked;
