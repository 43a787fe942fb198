//! Both adapters, from one macro: they differ in `.await` and in the trait that reads.

macro_rules! adapter {
    ($name:ident is $adapter:ident, reads by $reads:path, waits by [$($wait:tt)*]) => {
        mod $name {
            use $adapter::{Connection, MessageReader};
            use pop3_async::{Connect, Credentials, Error, Method, QuitError};
            use $reads as _;

            use crate::script::{Action, Driver, BatchCommand, BatchPlan, Note, Reading, Session, Value};
            use crate::wire::Wire;

            impl Driver for Connection<Wire> {
                type Session = $adapter::Session<Wire>;

                async fn open(wire: Wire, to: Connect) -> Result<Self, Error> {
                    Connection::over(wire, to)$($wait)*
                }

                async fn login(
                    mut self,
                    who: Credentials,
                    method: Option<Method>,
                ) -> Result<Self::Session, (Option<Self>, Error)> {
                    self.set_methods(method.map($adapter::Methods::from));
                    self.login_as(who)$($wait)*.map_err(|failed| (failed.connection, failed.error))
                }

                async fn leave(self) -> Result<(), QuitError> {
                    self.quit()$($wait)*
                }
            }

            impl Session for $adapter::Session<Wire> {
                async fn act(&mut self, action: &Action) -> Result<Value, Error> {
                    match *action {
                        Action::Stat => self.stat()$($wait)*.map(Value::totals),
                        Action::List(None) => self.list()$($wait)*.map(Value::listings),
                        Action::List(Some(number)) => {
                            self.list_one(number)$($wait)*.map(|listing| Value::listings([listing]))
                        }
                        Action::UniqueIds(None) => self.uidl()$($wait)*.map(Value::unique_ids),
                        Action::UniqueIds(Some(number)) => {
                            self.uidl_one(number)$($wait)*.map(|id| Value::unique_ids([(number, id)]))
                        }
                        Action::Retrieve(number, reading) => read(self.retrieve(number)$($wait)*?, reading).await,
                        Action::Top(number, lines, reading) => read(self.top(number, lines)$($wait)*?, reading).await,
                        Action::Header(number) => {
                            self.header(number)$($wait)*.map(|header| Value::whole(number, header.as_bytes()))
                        }
                        Action::Delete(number) => self.delete(number)$($wait)*.map(|()| Value::Done),
                        Action::Reset => self.reset()$($wait)*.map(|()| Value::Done),
                        Action::Noop => self.noop()$($wait)*.map(|()| Value::Done),
                        Action::Last => self.last()$($wait)*.map(Value::Number),
                        Action::Capabilities => self.capabilities()$($wait)*.map(Value::pipelining),
                        Action::Batch(_) => unreachable!("it has more than one result"),
                    }
                }

                async fn batch(&mut self, plan: &BatchPlan) -> Vec<Note> {
                    let mut notes = Vec::new();
                    if let Err(error) = collect(self, plan, &mut notes).await {
                        notes.push(Err(error.into()));
                    }
                    notes
                }

                async fn quit(self) -> Result<(), QuitError> {
                    $adapter::Session::quit(self)$($wait)*
                }
            }

            /// Fails only if the batch cannot begin.
            async fn collect(
                session: &mut $adapter::Session<Wire>,
                plan: &BatchPlan,
                notes: &mut Vec<Note>,
            ) -> Result<(), Error> {
                let numbers = plan.numbers.clone();
                match plan.each {
                    BatchCommand::Retrieve => {
                        let mut messages = match numbers {
                            Some(numbers) => session.retrieve_many(numbers),
                            None => session.retrieve_all()$($wait)*?,
                        };
                        loop {
                            if notes.len() == plan.items {
                                if !plan.stops {
                                    break;
                                }
                                messages.stop();
                            }
                            notes.push(match messages.next()$($wait)* {
                                Ok(Some(message)) => read(message, plan.reading).await.map_err(Into::into),
                                Ok(None) => break,
                                Err(error) => Err(error.into()),
                            });
                        }
                    }
                    BatchCommand::Header => {
                        let mut headers = match numbers {
                            Some(numbers) => session.headers_many(numbers),
                            None => session.headers_all()$($wait)*?,
                        };
                        while notes.len() < plan.items {
                            let Some(header) = headers.next()$($wait)* else { break };
                            let value = header.map(|(number, header)| Value::whole(number, header.as_bytes()));
                            notes.push(value.map_err(Into::into));
                        }
                    }
                    BatchCommand::Delete => {
                        let mut deletions = match numbers {
                            Some(numbers) => session.delete_many(numbers),
                            None => session.delete_all()$($wait)*?,
                        };
                        while notes.len() < plan.items {
                            let Some(marked) = deletions.next()$($wait)* else { break };
                            notes.push(marked.map(|number| Value::Number(number)).map_err(Into::into));
                        }
                    }
                }
                Ok(())
            }

            async fn read(message: MessageReader<'_, Wire>, reading: Reading) -> Result<Value, Error> {
                let number = message.number();
                match reading {
                    Reading::Whole => {
                        message.into_message()$($wait)*.map(|whole| Value::whole(number, whole.as_bytes()))
                    }
                    Reading::UpTo(enough) => {
                        // In pieces that are smaller than what has come.
                        let (mut octets, mut piece, mut message) = (Vec::new(), [0; 7], message.take(enough));
                        loop {
                            let read = message.read(&mut piece)$($wait)*;
                            match read.map_err(|error| error.downcast::<Error>().expect("it is one of ours"))? {
                                0 => break,
                                len => octets.extend(&piece[..len]),
                            }
                        }
                        Ok(Value::up_to(number, octets, enough))
                    }
                }
            }
        }
    };
}

adapter!(blocking is pop3_blocking, reads by std::io::Read, waits by []);
adapter!(tokio is pop3_async, reads by tokio::io::AsyncReadExt, waits by [.await]);
